"""How large a model can be trained with a limit of memory for each process?"""
