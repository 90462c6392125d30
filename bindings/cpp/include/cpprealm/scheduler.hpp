// realm::scheduler: the run loop of a thread, to which a realm hands its notifications.
#ifndef CPPREALM_SCHEDULER_HPP
#define CPPREALM_SCHEDULER_HPP

#include <functional>
#include <memory>

namespace realm
{

// A program with a run loop derives from it and gives it to db_config::set_scheduler: observers are then called without
// refresh(). The realm is opened on the scheduler's thread.
struct scheduler {
    virtual ~scheduler() = default;
    // Runs a function on the scheduler's thread, later; any thread may ask for it.
    virtual void invoke(std::function<void()> &&function) = 0;
    virtual bool is_on_thread() const noexcept = 0;
    virtual bool is_same_as(const scheduler *other) const noexcept = 0;
    // Without it the realm is refreshed by hand.
    virtual bool can_invoke() const noexcept = 0;
    // There is no run loop that all threads have: this one can't invoke.
    static std::shared_ptr<scheduler> make_default();
};

namespace internal
{
struct no_scheduler final : scheduler {
    void invoke(std::function<void()> &&) override {}
    bool is_on_thread() const noexcept override { return true; }
    bool is_same_as(const scheduler *other) const noexcept override { return other == this; }
    bool can_invoke() const noexcept override { return false; }
};
} // namespace internal

inline std::shared_ptr<scheduler> scheduler::make_default()
{
    return std::make_shared<internal::no_scheduler>();
}

} // namespace realm
#endif
