"""The jobs of continuous integration: the files of the provider only call these.

`model ci JOB` does the same on a laptop. What a provider adds (summary, comment, release, token)
is found in its environment variables, and where there is none, the job says what it left out.
"""
