export type Labels = Record<string, string>

export type Image = {
  digest: string
  references: string[]
  labels: Labels
  sizeBytes: number
  createdAt: Date
  exposedPorts: number[]
}

export type ImageConfig = {
  labels: Labels
  env?: Record<string, string>
  command?: string[]
  workingDirectory?: string
  user?: string
}
