"""What dvc.yaml, dvc.lock and Git say of this project and of any of its commits."""
