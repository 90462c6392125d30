#ifndef ATOLL_SIM_TAP_H
#define ATOLL_SIM_TAP_H
#include "oracle.h"
#include "world.h"

void tap_upload(oracle *o, const client *c, const client_message *m);
int64_t tap_any(const value *v); /* a mixed value as the reference model has it */
#endif
