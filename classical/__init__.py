"""The classical wing: an exact kernel SVM parallel over MPI."""
