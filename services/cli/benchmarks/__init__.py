"""What `roadwatch bench` measures: one file a figure, each beside its bare limit in the same run."""
