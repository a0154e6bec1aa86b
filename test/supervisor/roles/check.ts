import '../../../src/main/check.ts'
