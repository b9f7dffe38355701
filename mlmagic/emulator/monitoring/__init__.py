"""Cloud Monitoring: what the replicas of jobs take of their machines."""
