"""A process that answers an endpoint's requests: loads all its versions, and accepts on the socket it inherited."""
