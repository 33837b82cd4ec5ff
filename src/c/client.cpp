// client.cpp: a Client behind functions of C.
// SPDX-License-Identifier: MIT
#include <sluice/client.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "c/guard.hpp"

using sluice::c::guarded;
using sluice::c::milliseconds;
using sluice::c::not_null;

struct sluice_client {
  sluice_client(sluice::ClientOptions options, sluice::Client::OnConfirm on_confirm)
      : client(std::move(options), std::move(on_confirm)) {}
  sluice::Client client;
};

struct sluice_outcome {
  explicit sluice_outcome(sluice::Outcome made)
      : outcome(std::move(made)), id(outcome.id.seq == 0 ? std::string() : outcome.id.str()) {}
  sluice::Outcome outcome;
  std::string id;
};

namespace {

static_assert(SLUICE_STATUS_FAILED == static_cast<int>(sluice::Status::failed));
static_assert(SLUICE_STATUS_CANCELLED == static_cast<int>(sluice::Status::cancelled));
static_assert(SLUICE_STATUS_REFUSED == static_cast<int>(sluice::Status::refused));
static_assert(SLUICE_STATUS_UNKNOWN == static_cast<int>(sluice::Status::unknown));

sluice_answer answer_of(sluice::Confirmation::Kind kind) {
  switch (kind) {
    case sluice::Confirmation::Kind::taken:
      return SLUICE_TAKEN;
    case sluice::Confirmation::Kind::duplicate:
      return SLUICE_DUPLICATE;
    case sluice::Confirmation::Kind::conflict:
      return SLUICE_CONFLICT;
    case sluice::Confirmation::Kind::refused:
      break;
  }
  return SLUICE_REFUSED;
}

sluice::Client::OnConfirm confirming(sluice_on_answer on_answer, void* user) {
  if (on_answer == nullptr) return {};
  return [on_answer, user](const sluice::Confirmation& confirmation) {
    const std::string id = confirmation.id.seq == 0 ? std::string() : confirmation.id.str();
    on_answer(confirmation.ticket, answer_of(confirmation.kind), id.c_str(),
              confirmation.why.c_str(), user);
  };
}

sluice::Task task_of(const char* type, const void* payload, size_t size,
                     const sluice_task_options& options) {
  if (payload == nullptr && size != 0) throw sluice::Error("the payload is NULL");
  sluice::Task task;
  task.type = sluice::c::text(type);
  const auto* const bytes = static_cast<const std::byte*>(payload);
  if (size != 0) task.payload.assign(bytes, bytes + size);
  task.key = sluice::c::text(options.key);
  task.priority = options.priority;
  task.max_attempts = options.max_attempts;
  task.delay = milliseconds(options.delay_ms, "a delay");
  task.ttl = milliseconds(options.ttl_ms, "a ttl");
  task.timeout = milliseconds(options.timeout_ms, "a timeout");
  return task;
}

}  // namespace

extern "C" {

sluice_client* sluice_client_new(const char* where, int64_t timeout_ms, sluice_on_answer on_answer,
                                 void* user) {
  return sluice::c::made<sluice_client>([&] {
    const sluice::c::Place place = sluice::c::place(where);
    sluice::ClientOptions options;
    options.connect = place.endpoint;
    options.access_file = place.access_file;
    if (timeout_ms != 0) options.connect_timeout = milliseconds(timeout_ms, "a timeout");
    return std::make_unique<sluice_client>(std::move(options), confirming(on_answer, user))
        .release();
  });
}

int sluice_client_post(sluice_client* client, const char* type, const void* payload, size_t size,
                       const sluice_task_options* options, uint64_t* ticket) {
  return guarded([&] {
    sluice::Client& to = not_null(client, "the client").client;
    const std::uint64_t number =
        to.post(task_of(type, payload, size, sluice::c::options_of(options)));
    if (ticket != nullptr) *ticket = number;
    return SLUICE_OK;
  });
}

int sluice_client_submit(sluice_client* client, const char* type, const void* payload, size_t size,
                         const sluice_task_options* options, sluice_on_outcome on_outcome,
                         void* user) {
  return guarded([&] {
    if (on_outcome == nullptr) throw sluice::Error("the callback is NULL");
    not_null(client, "the client")
        .client.submit(task_of(type, payload, size, sluice::c::options_of(options)),
                       [on_outcome, user](const sluice::Outcome& outcome) {
                         const sluice_outcome told(outcome);
                         on_outcome(&told, user);
                       });
    return SLUICE_OK;
  });
}

sluice_outcome* sluice_client_call(sluice_client* client, const char* type, const void* payload,
                                   size_t size, const sluice_task_options* options,
                                   int64_t timeout_ms) {
  return sluice::c::made<sluice_outcome>([&] {
    sluice::Client& to = not_null(client, "the client").client;
    return std::make_unique<sluice_outcome>(
               to.call(task_of(type, payload, size, sluice::c::options_of(options)),
                       milliseconds(timeout_ms, "a timeout")))
        .release();
  });
}

sluice_status sluice_outcome_status(const sluice_outcome* outcome) {
  return static_cast<sluice_status>(outcome->outcome.status);
}
const char* sluice_outcome_id(const sluice_outcome* outcome) { return outcome->id.c_str(); }
const char* sluice_outcome_error(const sluice_outcome* outcome) {
  return outcome->outcome.error.c_str();
}
const void* sluice_outcome_result(const sluice_outcome* outcome) {
  const std::vector<std::byte>& result = outcome->outcome.result;
  return result.empty() ? static_cast<const void*>("") : result.data();
}
size_t sluice_outcome_result_size(const sluice_outcome* outcome) {
  return outcome->outcome.result.size();
}
uint32_t sluice_outcome_attempt(const sluice_outcome* outcome) { return outcome->outcome.attempt; }
void sluice_outcome_free(sluice_outcome* outcome) { delete outcome; }

int sluice_client_wait_confirmed(sluice_client* client, int64_t timeout_ms) {
  return guarded([&] {
    sluice::Client& waited = not_null(client, "the client").client;
    return sluice::c::wait_for(timeout_ms,
                               [&](auto slice) { return waited.wait_confirmed(slice); });
  });
}

uint64_t sluice_client_unconfirmed(const sluice_client* client) {
  return client == nullptr ? 0 : client->client.unconfirmed();
}

void sluice_client_free(sluice_client* client) { delete client; }

}  // extern "C"
