"""What TeacherTrainer and Distiller share."""
