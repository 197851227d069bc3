freeze("$(BOARD_DIR)/modules", "board_only.py")
