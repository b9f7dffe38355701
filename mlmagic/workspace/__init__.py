"""The workspace: the folder that kernel, jobs and Jupyter server share, and the only thing that they share."""
