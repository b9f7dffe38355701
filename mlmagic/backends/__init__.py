"""Where jobs run: one Protocol, one table of names, one package per place."""
