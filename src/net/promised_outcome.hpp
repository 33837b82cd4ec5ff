// promised_outcome.hpp: a future for those who would rather wait than be called.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <future>
#include <memory>

#include <sluice/outcome.hpp>

namespace sluice::net {

/// `callback`, called once, makes `future` ready; it may outlive the future.
struct PromisedOutcome {
  PromisedOutcome() {
    auto promise = std::make_shared<std::promise<Outcome>>();
    future = promise->get_future();
    callback = [promise](const Outcome& outcome) { promise->set_value(outcome); };
  }

  std::future<Outcome> future;
  std::function<void(const Outcome&)> callback;
};

}  // namespace sluice::net
