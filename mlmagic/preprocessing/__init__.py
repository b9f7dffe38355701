"""The pipeline that turns raw files into a dataset. A copy of these modules runs in the job, without mlmagic."""
