#ifndef ATOLL_TEST_QUERY_FIXTURE_H
#define ATOLL_TEST_QUERY_FIXTURE_H
#include "query/query.h"

/* A realm on a memory disk with people and dogs; the first, third, ... that a test opens has indexes on name, age, weight,
 * done, born, uid and oid, and story has a full-text index:
 *   Dog    { name: string?, age: int }
 *   Address{ city: string, zip: int }                                     embedded
 *   Person { _id: int key, name: string?, age: int, weight: int?, height: double?, score: double, done: bool,
 *            photo: binary?, born: timestamp?, uid: uuid?, oid: objectid?, dog: Dog, dogs: [Dog], tags: [string],
 *            numbers: [int], home: Address, `given name`: string?, story: string? full text, more: [int], friend: Person, friends: [Person],
 *            colors: {string} and shades: {string} sets, marks: {key: int?}, pets: {key: Dog}, spot: Point, spots: [Point] }
 *   Point  { type: string, coordinates: [double] }                          embedded */
typedef struct fixture {
    memory_disk *disk;
    model_db *db;
    const model_class *person, *dog, *address, *point;
    model_view *pinned; /* holds the schema */
    int64_t live;       /* allocations before the realm was opened */
} fixture;
void fixture_schema(model_schema *out); /* with keys given */
void fixture_open(fixture *f);
void fixture_close(fixture *f);
property_key fixture_property(const model_class *c, const char *name);
/* Fails the test with the text of the error unless the status is ATOLL_OK. */
void check_status(status s, const char *file, int line);
#define OK(expression) check_status((expression), __FILE__, __LINE__)
#endif
