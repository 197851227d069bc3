const uint8_t mboot_pack_sign_public_key[] = {0x01};
const uint8_t mboot_pack_secretbox_key[] = {0x02};
