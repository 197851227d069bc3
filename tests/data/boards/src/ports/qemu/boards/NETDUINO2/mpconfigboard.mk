LDSCRIPT = mcu/arm/stm32.ld
