"""The outer loop of STaR and its relatives: sample, curate, train, and again with the new model as the teacher."""
