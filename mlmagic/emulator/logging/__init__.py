"""Cloud Logging: what the containers of jobs have printed."""
