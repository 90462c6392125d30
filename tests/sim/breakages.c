/* The switch of the deliberate breakages (sync/breakage.h): none unless a test asks for one. */
#include "sync/breakage.h"

int breakage_active = BREAKAGE_NONE;
unsigned simulator_mended;
unsigned simulator_message_size = 1u << 20;
