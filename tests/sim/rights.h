#ifndef ATOLL_SIM_RIGHTS_H
#define ATOLL_SIM_RIGHTS_H
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>

/* Roles in the simulator: one configuration for all, and custom data of each user that tell what he may do. */
typedef struct rights {
    unsigned reads, writes; /* teams; whoever writes one reads it */
    bool insert, remove;
    bool no_score; /* fixed for a user: the field can neither be seen nor written */
} rights;
extern const char rights_roles[], rights_roles_by_paths[];
extern const char *const rights_users[];
void rights_choose(rights *r, random_state *random);
void rights_data(const rights *r, char *to, size_t size); /* the custom data, JSON */
void rights_query(unsigned teams, char *to, size_t size); /* the objects of some teams, RQL */
#endif
