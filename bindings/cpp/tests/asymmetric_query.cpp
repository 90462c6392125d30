// Must not compile: an asymmetric class can't be queried or subscribed to.
#include <cpprealm/sdk.hpp>

struct Reading {
    realm::primary_key<realm::object_id> _id;
    double value = 0;
};
REALM_ASYMMETRIC_SCHEMA(Reading, _id, value)

#ifdef QUERY
std::size_t query(realm::db &db)
{
    return db.objects<Reading>().size();
}
#endif
#ifdef SUBSCRIBE
void subscribe(realm::mutable_sync_subscription_set &set)
{
    set.add<Reading>("readings");
}
#endif
#ifdef LINK
struct Holder {
    realm::primary_key<realm::object_id> _id;
    Reading *reading = nullptr;
};
REALM_SCHEMA(Holder, _id, reading)
#endif

void add(realm::db &db)
{
    db.write([&] { db.add(Reading{}); });
}
