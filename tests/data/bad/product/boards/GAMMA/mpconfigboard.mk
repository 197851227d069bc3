MCU_SERIES = h7
CMSIS_MCU = STM32H743xx
AF_FILE = boards/stm32h743_af.csv
LD_FILES = boards/stm32h743.ld
