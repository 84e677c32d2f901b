export type {
  DialOptions,
  DialTarget,
  HandleOptions,
  NewStreamOptions,
  Swarm,
  SwarmEvents
} from './swarm-types.ts'
