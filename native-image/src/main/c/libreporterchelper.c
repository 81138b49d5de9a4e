/* What the builder itself loads to report its progress. */
long long Java_com_oracle_svm_hosted_ProgressReporterCHelper_getPeakRSS0(void *env, void *class) {
    (void)env;
    (void)class;
    return -1;
}

int Java_com_oracle_svm_hosted_ProgressReporterCHelper_getTerminalWindowColumns0(void *env, void *class) {
    (void)env;
    (void)class;
    return 80;
}
