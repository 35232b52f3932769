"""The quantum wing: kernel SVM duals as QUBOs, sampled by annealers."""
