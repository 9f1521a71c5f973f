/* Stands in for libdiffinv_cuda.so: of the version STAND_IN_VERSION; STAND_IN_MISSING needs a function that nobody has. */
const char* diffinv_cuda_version(void) { return STAND_IN_VERSION; }
#ifdef STAND_IN_MISSING
int function_that_nobody_has(void);
int calls_it(void) { return function_that_nobody_has(); }
#else
int answer(void) { return 42; }
#endif
