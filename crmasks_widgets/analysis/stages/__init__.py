"""How each stage is computed: from parameters and other stages to the core's plain arguments."""
