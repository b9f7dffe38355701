"""How well predictions fit what happened: metrics of arrays, in numpy alone."""
