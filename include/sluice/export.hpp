// export.hpp: which names a shared library of sluice shows; all others stay inside.
// SPDX-License-Identifier: MIT
#pragma once

/// Before the name of every public class, exception and struct with functions in a source file,
/// and before every such function: `class SLUICE_API Worker {`. Exceptions need it so that what
/// the library throws is the same type to who catches it.
#define SLUICE_API __attribute__((visibility("default")))

/// Takes what stands inside a public class out again: its Impl.
#define SLUICE_LOCAL __attribute__((visibility("hidden")))
