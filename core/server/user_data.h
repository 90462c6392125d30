#ifndef ATOLL_SERVER_USER_DATA_H
#define ATOLL_SERVER_USER_DATA_H
#include "base/bytes.h"
#include "base/vector.h"
#include "model/value.h"

/* The custom data of a user, one JSON object, as the roles read it. */
typedef struct user_data user_data;
enum { USER_DATA_SIZE_MAX = 16 << 10 };

/* No bytes: a user without data. INVALID_ARGUMENT tells where it is no JSON object. */
status user_data_read(bytes json, user_data **out) MUST_CHECK;
void user_data_free(user_data *d);

typedef VECTOR(value) value_vector;
typedef enum user_data_kind { USER_DATA_NONE = 0, USER_DATA_VALUE, USER_DATA_LIST } user_data_kind;
/* What the path "team.name" leads to; {"$oid": "24 hex digits"} and {"$uuid": "..."} are ids. A value is one item of
 * `out`, texts point into the data. INVALID_ARGUMENT: an object, or a list of lists. */
status user_data_get(const user_data *d, bytes path, user_data_kind *kind,
                     value_vector *out) MUST_CHECK;
#endif
