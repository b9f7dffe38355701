"""Jobs on this machine: a supervisor process for each, and readers that tell the truth when one was killed."""
