MCU_SERIES = f4
CMSIS_MCU = STM32F405xx
AF_FILE = boards/stm32f405_af.csv
LD_FILES = $(BOARD_DIR)/acme.ld boards/common_ifs.ld
