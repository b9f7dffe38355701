"""Explanation: by how much each feature moved a prediction away from what is usual; in numpy alone."""
