"""A Dask cluster, where the environment names one."""
