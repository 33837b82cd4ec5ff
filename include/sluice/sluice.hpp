// sluice.hpp: everything a program needs to hand out tasks and to run them.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/access.hpp>
#include <sluice/client.hpp>
#include <sluice/codec.hpp>
#include <sluice/command.hpp>
#include <sluice/error.hpp>
#include <sluice/export.hpp>
#include <sluice/outcome.hpp>
#include <sluice/pool.hpp>
#include <sluice/sink.hpp>
#include <sluice/task.hpp>
#include <sluice/ventilator.hpp>
#include <sluice/worker.hpp>
