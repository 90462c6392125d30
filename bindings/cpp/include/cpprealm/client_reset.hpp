// What happens when the server cannot go on with a realm: it was restored from a backup, sync was terminated, the realm was
// away for too long, its folder is a copy. Callbacks run on a thread of their own, and the realms that they are given are
// theirs only while they run. One that throws ends the session with ATOLL_ERROR_AUTO_CLIENT_RESET_FAILED.
#ifndef CPPREALM_CLIENT_RESET_HPP
#define CPPREALM_CLIENT_RESET_HPP

#include <cpprealm/session.hpp>

namespace realm
{
class db;

namespace client_reset
{

// One of the four below.
struct client_reset_mode {
    std::int32_t mode = ATOLL_RESET_RECOVER_OR_DISCARD;
    std::function<void(db)> before;          // with the realm as it was, frozen
    std::function<void(db, db, bool)> after; // as it was, as it is now, whether it was recovered
    bool asks() const { return before || after; }

protected:
    client_reset_mode(std::int32_t of, std::function<void(db)> first,
                      std::function<void(db, db, bool)> second)
        : mode(of), before(std::move(first)), after(std::move(second))
    {
    }
    static std::function<void(db, db, bool)> without_outcome(std::function<void(db, db)> &&after);
};

// Nothing is changed: the error handler is told, with is_client_reset_requested(). Close the realm, and move its folder away
// with db::move_files or delete it.
struct manual : client_reset_mode {
    manual() : client_reset_mode(ATOLL_RESET_MANUAL, {}, {}) {}
};

// What was not sent goes.
struct discard_unsynced_changes : client_reset_mode {
    explicit discard_unsynced_changes(std::function<void(db)> before = {},
                                      std::function<void(db, db)> after = {})
        : client_reset_mode(ATOLL_RESET_DISCARD, std::move(before),
                            without_outcome(std::move(after)))
    {
    }
};

// What was not sent is written again over the server's state; where that cannot be, the session ends.
struct recover_unsynced_changes : client_reset_mode {
    explicit recover_unsynced_changes(std::function<void(db)> before = {},
                                      std::function<void(db, db)> after = {})
        : client_reset_mode(ATOLL_RESET_RECOVER, std::move(before),
                            without_outcome(std::move(after)))
    {
    }
};

// The same, but what cannot be recovered is discarded. The default, without callbacks.
struct recover_or_discard_unsynced_changes : client_reset_mode {
    explicit recover_or_discard_unsynced_changes(std::function<void(db)> before = {},
                                                 std::function<void(db, db, bool)> after = {})
        : client_reset_mode(ATOLL_RESET_RECOVER_OR_DISCARD, std::move(before), std::move(after))
    {
    }
};

} // namespace client_reset
} // namespace realm
#endif
