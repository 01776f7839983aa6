"""Tests of the repository itself: the rules that its code keeps, and the files that it is deployed with."""
