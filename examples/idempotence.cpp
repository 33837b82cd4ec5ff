// idempotence.cpp: does a handler bear being run twice? A test that loses workers on purpose.
// SPDX-License-Identifier: MIT
// prints: 300 payments, 300 booked
#include <iostream>
#include <mutex>
#include <set>

#include <sluice/sluice.hpp>
#include <sluice/testing.hpp>
#include <sluice/typed.hpp>

namespace {

struct Account {
  std::mutex mutex;
  std::set<std::string> seen;  // in a database: a unique index
  int balance = 0;

  void pay(const std::string& payment) {
    const std::scoped_lock lock(mutex);
    if (seen.insert(payment).second) ++balance;
  }
};

}  // namespace

int main() {
  Account account;
  std::vector<sluice::Task> tasks;
  for (int i = 0; i < 300; ++i)
    tasks.push_back(sluice::Task::of("pay", "payment " + std::to_string(i)));

  // begin readme
  sluice::testing::System system({.seed = 42});  // SLUICE_SEED=... overrides it
  system.on("pay", [&](const sluice::TaskView& task) {
    account.pay(task.as<std::string>());  // without its check for repeats this test would fail
    return std::vector<std::byte>();
  });
  const std::vector<sluice::Outcome> outcomes = system.run(tasks);  // one for each, in order
  // end readme

  std::cout << outcomes.size() << " payments, " << account.balance << " booked, though "
            << system.counts().repeated << " were made again\n";
  return account.balance == 300 ? 0 : 1;
}
