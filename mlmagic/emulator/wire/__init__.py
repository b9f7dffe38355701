"""The APIs' addresses and messages: JSON and bytes in, checked dictionaries out, and back."""
