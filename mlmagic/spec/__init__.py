"""The nouns: frozen shapes that everything else passes around. Standard library only."""
