"""The plain Python spelling of every magic, one module per noun."""
