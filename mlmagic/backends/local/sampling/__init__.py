"""What the replicas of running jobs take of this machine, once a second."""
