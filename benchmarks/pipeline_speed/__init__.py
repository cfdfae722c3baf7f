"""How close does a pipeline come to the bound of its schedule?"""
