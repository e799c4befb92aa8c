"""Its entry point names something else."""

plugin = {"name": "x_no_plugin"}
