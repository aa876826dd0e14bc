"""What a run leaves on disk: images and tables, hits for other programs, the session as YAML."""

from crmasks_widgets.files.writing import FigureJob
from crmasks_widgets.products.saving import Figures, prepare_folder, room_needed, save_all

__all__ = ["FigureJob", "Figures", "prepare_folder", "room_needed", "save_all"]
