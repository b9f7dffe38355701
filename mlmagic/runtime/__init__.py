"""What runs beside the user's program inside a job. Never imports IPython, tornado, TensorFlow or Google."""
