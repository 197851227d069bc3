LDSCRIPT = mcu/rv32/virt.ld
