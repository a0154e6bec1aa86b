/** Sets texts of names in the DNS, each beside those that others set. */
export interface RecordSetter {
  /** @throws CertificateTrouble */
  set(name: string, text: string): Promise<void>
  unset(name: string, text: string): Promise<void>
}
